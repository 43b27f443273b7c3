"""What words of contracts and reports mean across languages, as far as a short list goes.

Embeddings tell topics apart, not facts: "the tenant pays" and "the landlord pays" are neighbours.
What a claim in another language names of this list, its quote must name as well.
"""

import functools
import re

# One concept a line, beginnings of words; those of scripts without spaces anywhere in the text.
_CONCEPTS = """buyer purchaser käufer besteller comprador acheteur 买方 买家 甲方 المشتري
supplier seller vendor lieferant verkäufer proveedor vendedor fournisseur vendeur 卖方 供应商 乙方 \
المورد البائع
tenant lessee mieter pächter inquilino arrendatari locataire 承租 المستأجر
landlord lessor vermieter verpächter arrendador propietari propriétaire bailleur 出租方 房东 المؤجر
licensee lizenznehmer licenciatari licencié 被许可
licensor lizenzgeber licenciante concédant 许可方
employee headcount staff workforce mitarbeiter angestellt beschäftigt personal emplead \
plantilla emploie emplea employé salarié effectif 员工 雇员 الموظف
customer client kunde kunden kundin cliente 客户 العميل
board vorstand aufsichtsrat verwaltungsrat consejo conseil 董事会 المجلس
revenue sales turnover umsatz ingreso ventas chiffre recettes 收入 营收 الإيرادات
cost costs expense kosten aufwand ausgaben gasto coste costos costo coût coûts coûte coûtent \
cuesta cuestan dépense charges 成本 费用 التكاليف
profit income earnings gewinn überschuss ergebnis beneficio ganancia utilidad bénéfice résultat \
利润 收益 盈利 الربح
loss losses verlust pérdida perte 亏损 خسارة
dividend dividende dividendo 股息 股利 أرباح
share shares aktie acción acciones action 股 سهم
debt debts schuld deuda deudas dette dettes 债务 负债 الدين
rent rents miete alquiler renta loyer 租金 الإيجار
deposit kaution depósito fianza caution 押金 保证金 التأمين
invoice rechnung factura facture 发票 الفاتورة
order orders bestell auftrag pedido commande 订单 الطلب
fee fees gebühr honorar tarifa honorario redevance frais 服务费 الرسوم
price preis precio prix 价格 السعر
interest zinsen verzins interés intereses intérêt 利息 الفائدة
discount rabatt skonto descuento remise rabais 折扣 خصم
penalty fine fines strafe multa penalización pénalité amende 违约金 罚款 الغرامة
damage schäden schaden daños dommage 损害 الأضرار
pay pays paid payment zahlt zahlen zahlung bezahl pago paga pagan pagar pagos paie payer payés \
paiement verse 支付 付款 دفع
deliver delivery liefer entreg livre livré livrer livrai 交付 交货 发货 التسليم
terminate termination end ends kündig rescind resili termina résili dénonc 终止 解除 إنهاء
extend renew verlänger prorrog renov prolong renouvel 延长 续签 تجديد
assign transfer abtret übertrag ceder cesión transfer cède céder transfér 转让 نقل
modify amend change änder modific modifi 修改 تعديل
approve consent approval zustimm genehmig einwillig consentimiento aprob consentement accord \
approb 同意 批准 موافقة
reject refuse ablehn lehnt lehnte rechaz rejet refus 拒绝 رفض
propose proposed schlug vorschlag vorschlägt propuso propon propuest propos 提议 建议 اقترح
increase rose rise grew grow grows growth stieg stiegen steig wuchs erhöh zunahm aument crece \
crecer creció subió subir augment croiss hauss 增长 上升 增加 ارتفع زاد
decrease fell fall falls decline sank sinken gesunken sinkt verringer fiel dismin redujo \
redujeron bajó bajar diminu baiss recul 下降 减少 انخفض
produce produc produz herstell fabric fabri 生产 ينتج
import import 进口 استيراد
employ beschäftig emplea emploie 雇用 يوظف
store stores storage lager almacen stock 储存 تخزين
install install instal 安装 تثبيت
copy copies kopier copia copian copiar copier 复制 نسخ
audit audits prüft prüfen prüfung audit vérifi 审计 تدقيق
insurance versicher seguro assur 保险 التأمين
liable liability haftet haften haftung responsa 责任 المسؤولية
warranty gewährleist garantía garanti 保修 质保 الضمان
trial probe prueba essai 试用 تجربة
notice frist preaviso aviso préavis 通知 إشعار
govern law laws recht ley leyes loi lois droit 法律 管辖 القانون
court jurisdiction gericht tribunal juzgado 法院 المحكمة
seat headquarter headquarters sitz sede siège 总部 المقر
found incorporated registered gegründet registriert constituid immatricul 注册成立 تأسست
receive receipt receives erhalt empfang recib recepción reçu réception 收到 استلام
submit submitted einreich einzureich presentar presentad soumis soumettre 提交 تقديم
reimburse refund erstatt reembols rembours 报销 退还 سداد
journey trip travel reise viaje voyage 出差 旅行 سفر
hotel room hotelzimmer zimmer habitaci chambre 酒店 客房 فندق
meal meals essen mahlzeit verpfleg comida repas 餐 وجبة
flight flüge flug vuelo vuelos vol vols 航班 رحلة
application antrag anträge solicitud demande 申请 طلب
advance prepayment vorauszahl vorschuss anticipo avance acompte 预付 مقدم
late overdue verspätet überfällig tarde atrasad retard 逾期 迟 متأخر
plant plants factory factories werk werke fabrik planta fábrica usine 工厂 المصنع
valve ventil válvula vanne soupape 阀门 صمام
seal seals dichtung junta joint 密封 ختم
pump pumps pumpe bomba bombas pompe 泵 مضخة
least minimum mindest mindestens al_menos mínimo moins minimum 至少 最低 على_الأقل
most maximum höchst höchstens máximo plus_de maximum 至多 最多 لا_يزيد
before vor antes avant 之前 قبل
after following nach después tras suivant après 之后 بعد
monthly monatlich mensual mensuel 每月 شهري
annual annum yearly jährlich pro_jahr anual par_an annuel 每年 سنوي
write written schriftlich escrito écrit 书面 كتابي
ordinary ordentlich ordinari ordinaire 普通 عادي
compensation entschädig vergüt indemni 赔偿 تعويض
server 服务器 الخادم
manual handbuch handbüch 手册 دليل
confidential vertraulich confidencial confidentiel 保密 机密 سري
supply versorg suministr approvision 供应 توريد"""

CONCEPT_CACHE = 1 << 10
"""Texts kept; one answer's claims and their quotes are looked at again and again."""

PREFIX = 5
"""Letters from which on the beginning of a word is enough: "end" is not "endure"."""

PARTIES = 6
"""The first concepts are parties: who does what to whom must not change."""


def _pattern(line: str) -> re.Pattern[str]:
    words = [word.replace("_", " ") for word in line.split()]
    spaced = "|".join(
        re.escape(word) + (r"(?![^\W_])" if len(word) < PREFIX else "")
        for word in words
        if not _HAN.search(word)
    )
    signs = "|".join(re.escape(word) for word in words if _HAN.search(word))
    return re.compile(rf"(?<![^\W_])(?:{spaced})" + (f"|{signs}" if signs else ""), re.IGNORECASE)


_REST = re.compile(r"[^\W\d_]*")
_HAN = re.compile("[\u4e00-\u9fff]")
_PATTERNS = [_pattern(line) for line in _CONCEPTS.splitlines()]


@functools.lru_cache(CONCEPT_CACHE)
def concepts(text: str) -> frozenset[int]:
    """The concepts that a text names, by their numbers."""
    return frozenset(n for n, pattern in enumerate(_PATTERNS) if pattern.search(text))


@functools.lru_cache(CONCEPT_CACHE)
def known_letters(text: str) -> int:
    """How many letters of a text belong to words of the list."""
    letters: set[int] = set()
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            end = match.end()
            if not _HAN.search(match.group()):
                word = _REST.match(text, end)
                end = word.end() if word else end
            letters.update(range(match.start(), end))
    return len(letters)


@functools.lru_cache(CONCEPT_CACHE)
def parties(text: str) -> tuple[int, ...]:
    """The parties in the order of their first mention."""
    found = [
        (match.start(), number)
        for number, pattern in enumerate(_PATTERNS[:PARTIES])
        if (match := pattern.search(text))
    ]
    return tuple(number for _, number in sorted(found))
