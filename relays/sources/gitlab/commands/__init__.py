"""What people ask of the GitLab relay in the chat, by a slash command.

`request` takes a command in, `executor` has it answered in time, `subcommand` says what one is, and each has a module
of its own. What is answered is seen by who has asked alone, and holds nothing that the channel could not see already.
"""
