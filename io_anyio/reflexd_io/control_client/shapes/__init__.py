"""The shapes that go over the control API's wire, shared by the daemon and whoever asks it.

Times are Unix seconds, durations are what their name says, money is US dollars, and None means "not known" or "not
there", never zero. The OpenAPI document is made from these types.
"""
