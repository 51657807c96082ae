"""A part that writes to its log without end, as a system under load does."""

import time

if __name__ == "__main__":
    for number in range(10**9):
        print(f"line {number:060}", flush=True)
        time.sleep(0.0005)
