"""IAM, as far as moto lacks it or gets it wrong; moto keeps and answers the rest."""
