"""Listings of HDFS directories, kept beside the blocks (FORMAT.md section 10)."""
