package dynamotest

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestATransactionHoldsItsItemsWhereItIsToContend(t *testing.T) {
	t.Parallel()
	tb := New(t)
	write := func(sk string) error {
		_, err := tb.Client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
			TableName: &tb.Name, Item: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a"}, "SK": &types.AttributeValueMemberS{Value: sk}},
		}}}})
		return err
	}
	release, ok := tb.hold("TransactWriteItems", map[string]any{"TransactItems": []any{map[string]any{"Update": map[string]any{
		"Key": map[string]any{"PK": map[string]any{"S": "a"}, "SK": map[string]any{"S": "held"}}}}}})
	if release(); !ok || write("held") != nil {
		t.Error("a table that isn't to contend holds something")
	}
	tb.Contend = true
	release, _ = tb.hold("TransactWriteItems", map[string]any{"TransactItems": []any{map[string]any{"Update": map[string]any{
		"Key": map[string]any{"PK": map[string]any{"S": "a"}, "SK": map[string]any{"S": "held"}}}}}})
	var refused *types.TransactionCanceledException
	if err := write("held"); !errors.As(err, &refused) {
		t.Errorf("got %v, want it refused while another holds the item", err)
	}
	if err := write("other"); err != nil {
		t.Errorf("another item: %v", err)
	}
	release()
	if err := write("held"); err != nil {
		t.Errorf("once it is let go: %v", err)
	}
}
