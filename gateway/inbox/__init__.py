"""What arrived and could not simply be credited: an operator assigns, refunds or dismisses it."""
