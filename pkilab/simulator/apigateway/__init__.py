"""Amazon API Gateway: HTTP and REST APIs, custom domain names, and what runs behind them."""
