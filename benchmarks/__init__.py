"""What hybridfs costs and saves beside local files and plain HDFS: `python -m benchmarks`, or `make bench`.

Contenders of a workload take turns (A B A B …), so that a machine that gets busier disturbs all of them; medians are
compared, lowest and highest values shown. Everything runs on this host, HDFS too: a link costs no time here, so the
CPU time is the figure to look at, and the bytes that DataNodes sent are what a link would have to carry.
"""
