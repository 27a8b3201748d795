"""The program `passerelle`: the deploy, the doctor and the rest as commands."""
