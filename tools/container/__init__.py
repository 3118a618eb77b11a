"""The platform on this machine: its versions, its jobs, its model server, its command."""
