"""hybridfs: an fsspec filesystem that caches HDFS, or any fsspec filesystem, in blocks on memory and disk.

>>> import pandas
>>> pandas.read_parquet("hybridfs://namenode:8020/warehouse/orders")  # doctest: +SKIP
"""

from hybridfs.errors import BadOption, FileChanged
from hybridfs.filesystem import DuckDBFileSystem, HybridFileSystem
from hybridfs.runtime import stats

__version__ = "0.1.0"
__all__ = ["BadOption", "DuckDBFileSystem", "FileChanged", "HybridFileSystem", "__version__", "stats"]
