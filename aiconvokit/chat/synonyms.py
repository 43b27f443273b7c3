"""English words that may stand for each other, and those that state nothing.

Few, and only such that no document sets against each other: an answer that needs more is shown
without support.
"""

_GROUPS = """increase increased increases increasing rise rises rose risen grow grew grown \
grows growth
decrease decreased decreases decreasing fall falls fell fallen decline declined declines drop \
dropped
terminate terminates terminated termination terminating end ended cancel cancelled
revenue revenues sales turnover
profit profits income earnings
employee employees staff headcount workforce personnel
pay pays paid payment payments payable
buy buys bought purchase purchased purchases
sell sells sold
begin begins began begun start starts started commence commences commenced
notice notification notify notifies notified
consent approval
write written writing
govern governs governed governing
hold holds held
give gives gave given
make makes made
lose loses lost
keep keeps kept
take takes took taken
find finds found
bear bears bore borne
bring brings brought
lead leads led
send sends sent
choose chooses chose chosen
deliver delivers delivered delivery deliveries
disclose discloses disclosed disclosure
assign assigns assigned assignment
propose proposes proposed proposal
require requires required requirement
receive receives received receipt
invoice invoices invoiced
renew renews renewed renewal
own owns owned ownership
annual annually yearly
obligation obligations obliged obligated
liable liability
exceed exceeds exceeded
operate operates operated operating operation operations
insure insures insured insurance
expire expires expired expiry expiration
drive drives drove driven
build builds built"""

CANONICAL = {
    word: words[0] for line in _GROUPS.splitlines() if (words := line.split()) for word in words
}
"""A word and the one that stands for its group."""

_NEUTRAL_LIST = """
according document documents passage passages source sources section clause article page
states stated state specifies specified provides provided provide says said mentions
mentioned describes described reported reports shows shown amounted amounts stood came
equals equal respectively also therefore however thus namely specifically overall
additionally furthermore moreover finally based applies apply set forth agreement contract
document's following per period betrug betrugen beträgt betragen belief beliefen lag lagen
liegt gemäß laut abschnitt dokument dokumente asciende ascendió ascendieron según documento
sección élève élevait selon article"""
NEUTRAL = frozenset(_NEUTRAL_LIST.split())
"""What an answer says about where it read something, or that there is a document at all."""

THE_COMPANY = frozenset(["company", "group", "firm", "corporation", "business", "unternehmen"])
"""Whom a report is about; its sentences need not say so."""
