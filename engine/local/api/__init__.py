"""The local Nuvla API: the REST contract for jobs and sessions, stored in SQLite."""
