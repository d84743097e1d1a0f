"""What one e-mail address is, however it is spelled: `users` keeps accounts by it, the gateway counts logins by it."""

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254


def normalized(email: str) -> str:
    """One text for every spelling of an address. Raises ValueError for what is none."""
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
