"""A new enhancement of Meta's must be classified before it can surprise anyone."""

import warnings

from integrations.meta_ads.enhancements import DEAD, NOT_FOR_LINK_ADS, OPTED_OUT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from facebook_business.adobjects.adcreativefeaturesspec import AdCreativeFeaturesSpec


def test_every_key_of_the_official_sdk_is_classified_once():
    names = {
        value
        for name, value in vars(AdCreativeFeaturesSpec.Field).items()
        if not name.startswith("_")
    }
    assert names == OPTED_OUT | DEAD | NOT_FOR_LINK_ADS
    assert len(names) == len(OPTED_OUT) + len(DEAD) + len(NOT_FOR_LINK_ADS)
