"""hybridfs: an fsspec filesystem that caches HDFS, or any fsspec filesystem, in blocks on memory and disk.

>>> import pandas
>>> pandas.read_parquet("hybridfs://namenode:8020/warehouse/orders")  # doctest: +SKIP
"""

import fsspec

from hybridfs.errors import BadOption, FileChanged
from hybridfs.filesystem import DuckDBFileSystem, HybridFileSystem
from hybridfs.runtime import stats

if "swebhdfs" not in fsspec.available_protocols():  # so that hybridfs::swebhdfs:// is understood
    fsspec.register_implementation("swebhdfs", "hybridfs.origin.swebhdfs.SecureWebHdfs")

__version__ = "0.1.0"
__all__ = ["BadOption", "DuckDBFileSystem", "FileChanged", "HybridFileSystem", "__version__", "stats"]
