"""What runs when Cloud Scheduler calls, once a minute.

sweep delivers overdue sagas again; daily_look looks at those that wait; purge deletes those that
have expired; worklist works through many sagas in a few threads. It imports the engine.
"""
