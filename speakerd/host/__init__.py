"""What a daemon needs from its host: systemd, the journal, the API key, the control socket. Imports no other room.

- systemd: `notify` reports the state, `watchdog` decides when the watchdog is fed, `hardening` forbids core dumps.
- Journal: `journal` writes log records, `log_filters` removes secrets and repeats, `events` lists the events.
- API key: `credentials` finds it, `secret` keeps it from being shown.
- Control socket: `control` is the server, `control_client` the client, `control_lines` the protocol, `peers` checks
who
  may connect, `socket_path` says where it is.
- Files: `replace_file` replaces a small file in one step.
"""
