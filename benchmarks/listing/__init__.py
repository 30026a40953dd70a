"""What listings cost over a long link: `python -m benchmarks.listing`, or `make bench-listing`.

HDFS and a metastore at the far end of an emulated link hold a table of many partition directories with two small files
each; Spark, Python and a small Java program at the near end list it on plain HDFS and through hybridfs, each run in a
new process. Counted are the NameNode's own RPCs and the bytes at the near end's device. Needs root.
"""
