package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/config"
	"reseed/pkg/fault"
)

func hash(key string) (config.KeyHash, string) {
	h := sha256.Sum256([]byte(key))
	return h, hex.EncodeToString(h[:])
}

func TestRead(t *testing.T) {
	t.Parallel()
	one, oneHex := hash("one")
	two, twoHex := hash("two")
	got, err := config.Read([]string{
		"RESEED_TABLE=reseed", "RESEED_BUCKET=files", "RESEED_QUEUE_URL=http://q/import", "RESEED_ERASE_QUEUE_URL=http://q/erase", "RESEED_PULL_QUEUE_URL=http://q/pull",
		"RESEED_API_KEY_HASHES=" + oneHex + ", " + strings.ToUpper(twoHex), "RESEED_PUBLIC_URL=https://x.example/a=b", "RESEED_CURRENCY=EUR",
		"RESEED_REQUEST_LIFETIME=1m", "PATH=/bin", "AWS_ENDPOINT_URL_S3=",
	}, config.Table|config.Bucket|config.Queues|config.Keys)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Table: "reseed", Bucket: "files", QueueURL: "http://q/import", EraseQueueURL: "http://q/erase", PullQueueURL: "http://q/pull",
		APIKeyHashes: []config.KeyHash{one, two}, PublicURL: "https://x.example/a=b", Currency: "EUR", RequestLifetime: time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Read([]string{"RESEED_TABLE=", "RESEED_CURRENCY="}, 0)
	if diff := cmp.Diff(config.Config{Currency: "USD", RequestLifetime: 30 * time.Second}, got); diff != "" || err != nil {
		t.Errorf("%v: -want +got\n%s", err, diff)
	}
}

func TestErrorNamesAllMistakesAndNoValue(t *testing.T) {
	t.Parallel()
	_, err := config.Read([]string{
		"RESEED_API_KEY_HASHES=hunter2", "RESEED_REQUEST_LIFETIME=soon", "RESEED_BUCKET=files", "RESEED_QUEUE_URL=",
	}, config.Table|config.Bucket|config.Queues|config.Keys)
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	want := "settings: RESEED_API_KEY_HASHES is not usable: SHA-256 hashes in hex, separated by commas, are expected; " +
		"RESEED_REQUEST_LIFETIME is not usable: a duration such as 30s is expected; " +
		"RESEED_TABLE is missing; RESEED_QUEUE_URL is missing; RESEED_ERASE_QUEUE_URL is missing; RESEED_PULL_QUEUE_URL is missing"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, v := range []string{"RESEED_REQUEST_LIFETIME=-1s", "RESEED_API_KEY_HASHES=ab", "RESEED_API_KEY_HASHES=" + strings.Repeat("ab", 33)} {
		if _, err := config.Read([]string{v}, 0); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestMailAndWebhook(t *testing.T) {
	t.Parallel()
	got, err := config.Read([]string{
		"RESEED_SMTP_URL=smtp://me%40acme.example:p%3Ass@mail.example", "RESEED_MAIL_FROM=Reseed <reseed@acme.example>", "RESEED_MAIL_TO=a@acme.example, Bea <b@acme.example>",
		"RESEED_WEBHOOK_URL=http://127.0.0.1:1/hook", "RESEED_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := (config.MailServer{Host: "mail.example", Port: 587, User: "me@acme.example", Password: "p:ss"}); got.MailServer != want {
		t.Errorf("%+v", got.MailServer)
	}
	if got.MailFrom.Address.Address != "reseed@acme.example" || len(got.MailTo) != 2 || got.MailTo[1].Name != "Bea" || len(got.WebhookSecret) != 24 {
		t.Errorf("%+v", got)
	}
	if got, err := config.Read([]string{"RESEED_SMTP_URL=smtps://mail.example", "RESEED_MAIL_FROM=a@b.example", "RESEED_MAIL_TO=a@b.example"}, 0); err != nil || got.MailServer.Port != 465 || !got.MailServer.TLS {
		t.Errorf("%+v, %v", got.MailServer, err)
	}
}

func TestWrongMailSettingsAreNamedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	for want, environ := range map[string][]string{
		"RESEED_SMTP_URL is not usable":           {"RESEED_SMTP_URL=mail.example:hunter2"},
		"RESEED_SMTP_URL is not usable: smtp://u": {"RESEED_SMTP_URL=smtp://hunter2@mail.example"},
		"RESEED_SMTP_URL needs RESEED_MAIL_FROM":  {"RESEED_SMTP_URL=smtp://me:hunter2@mail.example", "RESEED_MAIL_TO=a@b.example"},
		"RESEED_SMTP_URL needs RESEED_MAIL_TO":    {"RESEED_SMTP_URL=smtp://me:hunter2@mail.example", "RESEED_MAIL_FROM=a@b.example"},
		"RESEED_MAIL_FROM needs RESEED_MAIL_TO":   {"RESEED_MAIL_FROM=a@b.example"},
		"RESEED_MAIL_TO needs RESEED_MAIL_FROM":   {"RESEED_MAIL_TO=a@b.example"},
		"RESEED_MAIL_TO is not usable":            {"RESEED_MAIL_TO=a@b.example,hunter2", "RESEED_MAIL_FROM=a@b.example"},
		"RESEED_WEBHOOK_URL is not usable":        {"RESEED_WEBHOOK_URL=http://example.com/hunter2"},
		"needs RESEED_WEBHOOK_SECRET":             {"RESEED_WEBHOOK_URL=https://example.com/hunter2"},
		"RESEED_WEBHOOK_SECRET is not usable":     {"RESEED_WEBHOOK_SECRET=whsec_hunter2"},
	} {
		_, err := config.Read(environ, 0)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
