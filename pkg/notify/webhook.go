package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"reseed/pkg/config"
	"reseed/pkg/fault"
)

// call is what a webhook gets, as JSON.
type call struct {
	Type      string    `json:"type"` // job.ended or job.waiting
	Timestamp time.Time `json:"timestamp"`
	Data      *Facts    `json:"data"`
}

// answerRoom is how many bytes of an answer are read: it is not looked at.
const answerRoom = 64 << 10

// ToWebhook returns the way to the webhook of the settings; nil if there is none. It posts the facts
// of a message as JSON, signed with the secret as Standard Webhooks (standardwebhooks.com) demands.
// An answer 2xx means that the message was taken, 410 that no more are wanted. Redirects are not
// followed.
func ToWebhook(settings config.Config, now func() time.Time) Way {
	if settings.WebhookURL == "" {
		return nil
	}
	url, secret := string(settings.WebhookURL), settings.WebhookSecret
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, m *Message) error {
		body, err := json.Marshal(call{"job." + string(m.About), m.Made, m.Facts})
		if err != nil {
			return fault.Wrap(err, fault.Internal, "message", "encode a message")
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return &UnsentError{Why: "RESEED_WEBHOOK_URL is not usable."}
		}
		stamp := strconv.FormatInt(now().Unix(), 10)
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {"Reseed"},
			"Webhook-Id": {m.ID}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {sign(secret, m.ID, stamp, body)},
		}
		resp, err := c.Do(req)
		if err != nil { // its text holds the URL, which may hold a secret
			if ctx.Err() != nil {
				return &UnsentError{Why: "The webhook did not answer in time."}
			}
			return &UnsentError{Why: "The webhook could not be reached, or broke off."}
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerRoom))
		_ = resp.Body.Close()
		return outcome(resp.StatusCode)
	}
}

func outcome(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusGone:
		return &UnsentError{Why: "The webhook answered 410: it wants no messages.", Final: true}
	case status/100 == 3:
		return &UnsentError{Why: fmt.Sprintf("The webhook answered %d. Redirects are not followed: set RESEED_WEBHOOK_URL to where it leads.", status)}
	}
	return &UnsentError{Why: fmt.Sprintf("The webhook answered %d.", status)}
}

// sign is the signature of a body: version 1, HMAC-SHA256 over id, time and body.
func sign(secret []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(id + "." + stamp + ".")) // never fails (hash.Hash)
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
