"""Reminders: in the morning, what waits for a review, lies still, is broken or falls due, read from GitLab's API.

settings    what a site says of them
schedule    which day's reminders are due at a moment
things      what is worth a reminder, and who has to do with it
reading     GitLab's answers become things
audience    which channels and persons hear of a thing
digest      the things become a message
days        the table of the days that have been dealt with
reminder    the worker that does it, once a day
"""
