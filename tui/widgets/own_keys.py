"""The keys of a text field's own, acted on in the order in which they were typed."""

from __future__ import annotations

from textual import events
from textual.widget import Widget


async def act_on_own_key(widget: Widget, event: events.Key) -> None:
    """Run what the widget itself binds to a key, now.

    Textual inserts a letter when its event arrives, and runs a binding only after the event has gone up to the app: of
    keys that come at once, over a slow line or from a macro, a backspace would delete what was typed after it.
    """
    for namespace, bindings in widget.screen._modal_binding_chain:
        if namespace is not widget:
            continue
        for binding in bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await widget.app.run_action(binding.action, widget):
                event.stop()
                event.prevent_default()
                return
