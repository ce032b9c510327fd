"""How many files a daemon with many clients may open."""

import resource


def allow_files(wanted: int) -> int:
    """Let this process open so many files, if it may; how many it can open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
