"""A process that writes to its log without end, like a system under load."""

import time

if __name__ == "__main__":
    for number in range(10**9):
        print(f"line {number:060}", flush=True)
        time.sleep(0.0005)
