"""Running a plan: scans, results in pages, aggregations, reads of the past and in transactions."""
