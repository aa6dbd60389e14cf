"""Transactions and events in, one row a customer out: cleaning, RFM, repeats, behaviour, scores, events, joins."""

from gpuseg.features._behaviour import behaviour
from gpuseg.features._events import event_features, events
from gpuseg.features._rfm import rfm
from gpuseg.features.clean import clean_transactions
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.event_report import EventReport
from gpuseg.features.join import join_features
from gpuseg.features.join_report import JoinReport
from gpuseg.features.repeat import repeat_purchases
from gpuseg.features.scores import RULE_SEGMENTS, ScoreEdges, rfm_scores
from gpuseg.features.sets import customer_features

__all__ = [
    "RULE_SEGMENTS",
    "CleaningReport",
    "EventReport",
    "JoinReport",
    "ScoreEdges",
    "behaviour",
    "clean_transactions",
    "customer_features",
    "event_features",
    "events",
    "join_features",
    "repeat_purchases",
    "rfm",
    "rfm_scores",
]
