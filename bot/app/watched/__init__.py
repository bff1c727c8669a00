"""What operators and monitors learn of each process: `telling` puts its telemetry together, `sweeping` tells of its
look at what is due, and `pulse` how late its event loop is. `watching` is what a gateway answers to /metrics and the
probes, and `without_gateway` what workers answer on a machine that has none."""
