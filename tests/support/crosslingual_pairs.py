"""English sentences of documents, with claims in other languages that they bear out or do not.

The false ones speak of the same things: another fact, another party, the opposite.
"""

_PAIRS = """
Either party may terminate this Agreement upon ninety (90) days' written notice.
+ Jede Partei kann diesen Vertrag mit einer Frist von 90 Tagen schriftlich kündigen.
+ Cualquiera de las partes puede rescindir este contrato con un preaviso escrito de 90 días.
+ 任何一方可提前90天书面通知终止本协议。
- Jede Partei kann diesen Vertrag mit einer Frist von 90 Tagen verlängern.
- Las partes pueden prorrogar el contrato con un aviso de 90 días.
- Chaque partie peut céder ce contrat avec un préavis de 90 jours.
The Supplier shall not assign this Agreement without the prior written consent of the Buyer.
+ Der Lieferant darf diesen Vertrag nicht ohne vorherige schriftliche Zustimmung des Käufers \
abtreten.
+ Le fournisseur ne peut pas céder ce contrat sans le consentement écrit préalable de l'acheteur.
- Der Käufer darf diesen Vertrag nicht ohne vorherige schriftliche Zustimmung des Lieferanten \
abtreten.
- Le fournisseur ne peut pas modifier les prix sans l'accord écrit préalable de l'acheteur.
The Buyer shall pay each invoice within 30 days of receipt.
+ Der Käufer muss jede Rechnung innerhalb von 30 Tagen nach Erhalt bezahlen.
+ El comprador debe pagar cada factura en un plazo de 30 días desde su recepción.
+ 买方应在收到发票后30天内付款。
- Der Käufer muss jede Rechnung innerhalb von 30 Tagen nach Erhalt prüfen.
- El proveedor debe emitir cada factura en un plazo de 30 días desde la entrega.
- 卖方应在收到订单后30天内发货。
Late payments bear interest at 8 percent per annum.
+ Verspätete Zahlungen werden mit 8 Prozent pro Jahr verzinst.
+ Les paiements en retard portent intérêt au taux de 8 % par an.
- Vorauszahlungen werden mit 8 Prozent pro Jahr rabattiert.
- Les loyers augmentent de 8 % par an.
- Los anticipos reciben un descuento del 8 % anual.
Revenue rose by 10.0 % in 2025, driven by pumps sold in Canada.
+ Der Umsatz stieg 2025 um 10,0 %, getrieben durch in Kanada verkaufte Pumpen.
+ Los ingresos aumentaron un 10,0 % en 2025.
+ 2025年收入增长10.0%。
- Die Kosten stiegen 2025 um 10,0 %, getrieben durch in Kanada gekaufte Pumpen.
- Los gastos aumentaron un 10,0 % en 2025.
- 2025年收入下降10.0%。
The Board proposed an ordinary dividend of EUR 1.20 per share.
+ Der Vorstand schlug eine ordentliche Dividende von 1,20 EUR je Aktie vor.
+ Le conseil a proposé un dividende ordinaire de 1,20 EUR par action.
+ 董事会提议每股派发1.20欧元的普通股息。
- Der Vorstand lehnte eine Dividende von 1,20 EUR je Aktie ab.
- Le bénéfice par action s'est élevé à 1,20 EUR.
- 每股收益为1.20欧元。
Headcount fell to 12,340 employees at the end of the year.
+ Die Zahl der Mitarbeiter sank zum Jahresende auf 12.340.
+ La plantilla se redujo a 12.340 empleados al final del año.
- Die Zahl der Kunden sank zum Jahresende auf 12.340.
- La plantilla aumentó a 12.340 empleados al final del año.
- 年底客户数量为12,340。
The plant in Kaunas produces 48,000 valves.
+ Das Werk in Kaunas produziert 48.000 Ventile.
+ La planta de Kaunas produce 48.000 válvulas.
+ Kaunas工厂生产48,000个阀门。
- Das Werk in Kaunas lagert 48.000 Dichtungen.
- La planta de Kaunas emplea a 48.000 personas.
- Kaunas工厂进口48,000个泵。
The tenant shall pay the landlord a monthly rent of EUR 2,450.
+ Der Mieter zahlt dem Vermieter eine monatliche Miete von 2.450 EUR.
+ Le locataire paie au propriétaire un loyer mensuel de 2 450 EUR.
- Der Vermieter zahlt dem Mieter eine monatliche Entschädigung von 2.450 EUR.
- Le locataire verse une caution de 2 450 EUR.
Hotel rooms cost at most 160 euros per night.
+ Hotelzimmer kosten höchstens 160 Euro pro Nacht.
+ Las habitaciones de hotel cuestan como máximo 160 euros por noche.
- Hotelzimmer kosten mindestens 160 Euro pro Nacht.
- Las comidas cuestan como máximo 160 euros por día.
Receipts must be submitted within 21 days after the journey.
+ Belege müssen innerhalb von 21 Tagen nach der Reise eingereicht werden.
+ Les justificatifs doivent être soumis dans les 21 jours suivant le voyage.
- Anträge müssen mindestens 21 Tage vor der Reise gestellt werden.
- Les remboursements sont versés dans les 21 jours suivant le voyage.
Kestrel shall maintain insurance of at least $5 million per occurrence.
+ Kestrel muss eine Versicherung von mindestens 5 Millionen Dollar je Schadensfall unterhalten.
+ Kestrel debe mantener un seguro de al menos 5 millones de dólares por siniestro.
- Kestrel haftet für höchstens 5 Millionen Dollar je Schadensfall.
- Kestrel debe pagar una multa de al menos 5 millones de dólares por incumplimiento.
The warranty period is six months from delivery.
+ Die Gewährleistungsfrist beträgt sechs Monate ab Lieferung.
+ La période de garantie est de 6 mois à compter de la livraison.
+ 保修期自交付起为6个月。
- Die Zahlungsfrist beträgt sechs Monate ab Lieferung.
- La période d'essai est de 6 mois à compter de l'embauche.
- 付款期限自交付起为6个月。
The Licensee may install the Software on up to 40 servers.
+ Der Lizenznehmer darf die Software auf bis zu 40 Servern installieren.
+ El licenciatario puede instalar el software en hasta 40 servidores.
- Der Lizenzgeber darf die Software auf bis zu 40 Servern prüfen.
- El licenciatario puede copiar los manuales para hasta 40 empleados.
This Agreement is governed by the laws of the State of Delaware.
+ Dieser Vertrag unterliegt dem Recht des Staates Delaware.
+ Este contrato se rige por las leyes del Estado de Delaware.
+ 本协议受Delaware州法律管辖。
- Gerichtsstand für diesen Vertrag ist Delaware.
- La sede de la empresa se encuentra en el Estado de Delaware.
- 公司在Delaware州注册成立。
"""


def pairs() -> list[tuple[str, str, bool]]:
    """(claim, English sentence, whether it bears the claim out)."""
    found: list[tuple[str, str, bool]] = []
    sentence = ""
    for line in _PAIRS.strip().splitlines():
        if line[:2] in {"+ ", "- "}:
            found.append((line[2:], sentence, line[0] == "+"))
        else:
            sentence = line
    return found
