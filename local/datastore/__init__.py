"""A Google Cloud Datastore v1 server on SQLite, for one machine.

From the port to the file: ``rpc`` reads requests; ``service`` has the API's methods; ``mutations``
and ``commit`` write, under ``locks``; ``query`` reads a query, ``filters`` turns its filter into
alternatives, ``planner`` chooses the index scans that serve each, ``execution`` and ``scans`` walk
them, ``results`` fills batches; ``keys``, ``values`` and ``ordered`` encode so that bytes sort as
the service sorts; ``store`` is the file.
"""
