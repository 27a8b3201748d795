"""`python -m passerelle`, in a checkout what the program is where it is installed."""

from passerelle.cli import main

if __name__ == "__main__":
    main()
