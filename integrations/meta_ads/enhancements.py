"""Meta's creative enhancements: which ones we switch off, and why the others are not sent.

Without an explicit OPT_OUT Meta may alter approved words or pictures ("Ad Creative",
degrees_of_freedom_spec). A test compares these sets with the official SDK's list of keys, so that a
new key must be put into one of them.
"""

from __future__ import annotations

# They can change the words, the picture or what is shown beside them in a link ad.
OPTED_OUT = frozenset(
    [
        "adapt_to_placement",
        "add_text_overlay",
        "ads_with_benefits",
        "app_highlights",
        "audio",
        "auto_promotion_tag",
        "biz_ai",
        "creative_stickers",
        "description_automation",
        "dha_optimization",
        "dynamic_cta_text",
        "dynamic_partner_content",
        "enable_ncs_testimonials",
        "enhance_cta",
        "feed_caption_optimization",
        "generate_cta",
        "hide_price",
        "hyperlink_formatting",
        "ig_glados_feed",
        "image_animation",
        "image_auto_crop",
        "image_background_gen",
        "image_banner",
        "image_brightness_and_contrast",
        "image_end_card",
        "image_enhancement",
        "image_templates",
        "image_text_translation",
        "image_touchups",
        "image_uncrop",
        "inline_comment",
        "local_store_extension",
        "media_liquidity_animated_image",
        "media_type_automation",
        "multi_photo_to_video",
        "music_generation",
        "pac_genai_recomposition",
        "pac_recomposition",
        "pac_relaxation",
        "product_browsing",
        "product_extensions",
        "profile_card",
        "profile_extension",
        "reveal_details_over_time",
        "site_extensions",
        "text_extraction_for_headline",
        "text_extraction_for_tap_target",
        "text_formatting_optimization",
        "text_generation",
        "text_optimizations",
        "text_overlay_translation",
        "text_translation",
    ]
)

# Read back by Meta but refused on creation since v22.
DEAD = frozenset(
    [
        "advantage_plus_creative",
        "cv_transformation",
        "replace_media_text",
        "show_destination_blurbs",
        "show_summary",
        "standard_enhancements",
        "standard_enhancements_catalog",
    ]
)

# Only for catalogs, carousels, videos or WhatsApp messages, which we never create.
NOT_FOR_LINK_ADS = frozenset(
    [
        "carousel_to_video",
        "catalog_feed_tag",
        "customize_product_recommendation",
        "fb_feed_tag",
        "fb_reels_tag",
        "fb_story_tag",
        "ig_feed_tag",
        "ig_reels_tag",
        "ig_stream_tag",
        "ig_video_native_subtitle",
        "media_order",
        "multi_creative_post_carousel",
        "product_metadata_automation",
        "product_tags",
        "translate_voiceover",
        "video_auto_crop",
        "video_filtering",
        "video_highlight",
        "video_highlights",
        "video_to_image",
        "video_uncrop",
        "video_uncrop_9x16_to_9x18",
        "video_voiceover",
        "wa_mm_image_filtering",
        "wa_mm_text_truncation_length",
    ]
)


def build_degrees_of_freedom_spec() -> dict[str, dict[str, dict[str, str]]]:
    """The part of a creative that leaves Meta no freedom over words and picture."""
    return {
        "creative_features_spec": {key: {"enroll_status": "OPT_OUT"} for key in sorted(OPTED_OUT)}
    }
