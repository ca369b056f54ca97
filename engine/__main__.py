"""`python -m engine` is `allegra`."""

from engine.cli.main import main

if __name__ == "__main__":
    main()
