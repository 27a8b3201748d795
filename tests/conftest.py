"""For all tests: timing has no part in whether a property holds, however busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("passerelle", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("passerelle")
