"""A small computer as a home speaker one can simply talk to.

The rooms, lowest floor first; each may use only what stands beside it (checked in CI):

=============  ======================================================  =============================
`realtime`     the voice session layer: agents, sessions, the wire      nothing of ours
`audio`        capture, echo, gate, playback, devices                   nothing of ours
`panel`        button gestures, light patterns, GPIO                    nothing of ours
`host`         systemd, journal, control socket                         nothing of ours
`dialogue`     who may speak now: one state machine                     plain types of the above
`config`       settings: model, loading, masking, reload                plain types
`tools`        what the speaker can do when asked                       `realtime`
`offline`      an embedded realtime server                              wire names, resampling
`daemon`       puts the parts together                                  all
`cli`          the commands                                             all
=============  ======================================================  =============================
"""

__version__ = "0.1.0"
