"""Transactions in, one row a customer out: cleaning, RFM, repeat purchases, behaviour, scores."""

from gpuseg.features._behaviour import behaviour
from gpuseg.features._rfm import rfm
from gpuseg.features.clean import clean_transactions
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.repeat import repeat_purchases
from gpuseg.features.scores import RULE_SEGMENTS, ScoreEdges, rfm_scores
from gpuseg.features.sets import customer_features

__all__ = [
    "RULE_SEGMENTS",
    "CleaningReport",
    "ScoreEdges",
    "behaviour",
    "clean_transactions",
    "customer_features",
    "repeat_purchases",
    "rfm",
    "rfm_scores",
]
