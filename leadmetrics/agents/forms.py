"""What an admin types to make a key."""

from __future__ import annotations

from django import forms


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=80,
        help_text="What will use it. It stands beside everything the agent proposes.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Copy agent"}),
    )
