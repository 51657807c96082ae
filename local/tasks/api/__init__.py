"""The methods of Cloud Tasks v2, and their gRPC and REST paths."""
