package billing

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A column that no dataset has is ignored, unless its name says that it carries the meaning of a row:
// then the file may be of another dataset than its known columns tell. The names are looked through
// for these words, in the languages of usual exports. They are in lower case and without accents, and
// each also counts with an s behind it.

// amountWords call an amount of money.
const amountWords = `
	amount total subtotal sum price cost net gross credit debit revenue mrr arr acv tcv charge fee
	betrag preis summe gesamt netto brutto umsatz kosten gebuhr gebuehr guthaben gutschrift tarif
	montant prix somme brut ht ttc
	importe monto precio suma neto bruto coste costo cuota tarifa
	importo prezzo somma totale lordo canone bedrag prijs totaal tarief som valor preco soma liquido`

// meaningWords call what else a row may stand for: an event, a state, a thing that is sold, a time
// from when to when.
const meaningWords = `
	event type kind status action operation change movement upgrade downgrade active inactive
	plan product item sku coupon subscription invoice transaction order contract license licence deal purchase purchased
	currency paid unpaid payment refund refunded payout balance discount percent settled settlement billed invoiced charged due
	quantity qty seat interval period frequency cycle start started begin end ended expire expired expiry expiration renew renewal renewed
	cancel cancelled canceled cancellation churn churned terminated termination activated reactivated reactivation paused resumed
	typ art ereignis zustand aktion vorgang aktiv inaktiv rechnung zahlung bezahlt gezahlt wahrung waehrung produkt artikel abo vertrag
	bestellung auftrag buchung menge anzahl intervall laufzeit zeitraum periode turnus beginn start ende kundigung kuendigung gekundigt gekuendigt
	storno storniert rabatt erstattung erstattet fallig faellig
	evenement statut etat actif inactif facture paiement paye payee devise monnaie solde remboursement rembourse abonnement produit article
	forfait offre commande contrat quantite intervalle frequence debut fin annulation annule resilie resiliation remise rabais
	tipo evento estado activo inactivo factura pago pagado moneda divisa saldo reembolso suscripcion producto articulo pedido contrato
	cantidad intervalo periodo frecuencia inicio cancelacion cancelado baja descuento credito debito vencimiento
	stato attivo fattura pagamento pagato valuta rimborso abbonamento prodotto articolo ordine contratto quantita intervallo frequenza
	inizio fine disdetta annullato cancellato sconto scadenza
	soort actief factuur betaling betaald munt terugbetaling bestelling aantal frequentie einde opzegging opgezegd korting
	ativo fatura moeda assinatura plano produto quantidade frequencia fim cancelamento desconto`

// meaningStems begin or end compounds, such as Rechnungsnummer and PAYMENTDATE.
const meaningStems = `amount price payment invoice currency subscription status
	betrag preis summe umsatz rechnung zahlung kundigung kuendigung vertrag waehrung ereignis bedrag prijs factuur betaling`

// aside are words of columns that hold an amount besides the one that is paid, or no amount.
const aside = `tax vat mwst steuer fee gebuhr gebuehr discount rabatt balance saldo currency wahrung waehrung devise moneda
	method type status date at id code by`

// lexicon is the words above as sets.
type lexicon struct {
	amounts, others, aside map[string]bool
	stems                  []string
}

//nolint:gochecknoglobals // made once, of constants
var meanings = sync.OnceValue(func() lexicon {
	set := func(text string) map[string]bool {
		all := map[string]bool{}
		for word := range strings.FieldsSeq(text) {
			all[word], all[word+"s"] = true, true
		}
		return all
	}
	return lexicon{set(amountWords), set(meaningWords), set(aside), strings.Fields(meaningStems)}
})

// plainWords are the words of a column's name without accents.
func plainWords(name string) []string {
	return headerWords(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(name)))
}

// carriesMeaning reports whether a column's name says what a row stands for.
func carriesMeaning(name string) bool {
	switch headerKey(name) {
	case "date", "datum", "fecha", "data", "dato":
		return true
	}
	return isFlag(name) || isMoney(name) || slices.ContainsFunc(plainWords(name), func(word string) bool {
		return meanings().amounts[word] || meanings().others[word] || slices.ContainsFunc(meanings().stems, func(stem string) bool {
			return strings.HasPrefix(word, stem) || strings.HasSuffix(word, stem)
		})
	})
}

// isFlag reports whether a column's name asks whether something is so.
func isFlag(name string) bool {
	all := plainWords(name)
	return strings.HasSuffix(strings.TrimSpace(name), "?") || len(all) > 1 && slices.Contains([]string{"is", "has", "was"}, all[0])
}

// isMoney reports whether a column's name is a currency or has the sign of one.
func isMoney(name string) bool {
	_, err := ParseCurrency(headerKey(name))
	return err == nil || strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Sc, r) })
}

// callsAmount reports whether a column's name calls the amount that is paid.
func callsAmount(name string) bool {
	all := plainWords(name)
	return !slices.ContainsFunc(all, func(word string) bool { return meanings().aside[word] }) &&
		(isMoney(name) || slices.ContainsFunc(all, func(word string) bool { return meanings().amounts[word] || strings.HasSuffix(word, "betrag") }))
}

// callsCents reports whether a column's name says that its amounts are in minor units.
func callsCents(name string) bool {
	return slices.ContainsFunc(plainWords(name), func(word string) bool {
		return slices.Contains([]string{"cent", "cents", "minor", "pence", "centimes", "centavos", "centimos", "centesimi", "rappen"}, word)
	})
}
