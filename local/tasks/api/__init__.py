"""The methods of Cloud Tasks v2, and which gRPC or REST request calls which."""
