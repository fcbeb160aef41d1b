"""What is known of the futures market without asking anybody: contracts and their rules, leverage brackets, funding."""
