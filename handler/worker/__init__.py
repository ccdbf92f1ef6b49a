"""Classifies objects in S3 buckets and stores the results."""
