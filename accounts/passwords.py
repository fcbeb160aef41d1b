"""Password rules beyond Django's own: lower case, upper case, a digit and another character."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class CharacterClassesValidator:
    """Refuses a password that lacks one of the four classes, naming what is missing."""

    def validate(self, password: str, user: Any = None) -> None:
        missing = [
            name
            for name, present in (
                (_("a lower-case letter"), any(c.islower() for c in password)),
                (_("an upper-case letter"), any(c.isupper() for c in password)),
                (_("a digit"), any(c.isdigit() for c in password)),
                (_("another character, such as - or !"), any(not c.isalnum() for c in password)),
            )
            if not present
        ]
        if missing:
            raise ValidationError(
                _("The password needs %(missing)s.") % {"missing": ", ".join(missing)},
                code="password_classes",
            )

    def get_help_text(self) -> str:
        return _("At least one lower-case letter, one upper-case letter, one digit and one other character.")
