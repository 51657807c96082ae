"""What Cloud Scheduler runs once a minute.

sweep redelivers overdue sagas; daily_look checks waiting ones; purge deletes expired ones; worklist
processes many sagas in a few threads. It imports the engine.
"""
