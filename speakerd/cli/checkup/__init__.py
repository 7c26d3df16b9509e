"""What `speakerd doctor` looks at. Checks are pure functions of what probes have found; probes do the looking.

`finding` is the shape of a result; `machine`, `access`, `sound`, `pins`, `network` judge; `probes`,
`gpio_chips`, `sound_probe`, `network_probe` look. Nothing here changes anything, and nothing costs money.
"""
