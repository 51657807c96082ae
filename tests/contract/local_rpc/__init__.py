"""The port of the local servers: frames, windows, HTTP/1.1 and GOAWAY, byte for byte."""
