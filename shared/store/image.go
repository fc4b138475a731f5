package store

import (
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Image is what a record of the table's stream shows, where search is about
// it: a chain's partner or a contact, as they were and as they are, nil for
// none; or that somebody has found the chain's index missing.
type Image struct {
	Chain                 string
	WasPartner, IsPartner *network.Partner // a removed one too
	WasContact, IsContact *network.Contact
	Rebuild               bool
}

// ReadImage reads a record; one of anything else is the zero Image.
func ReadImage(change events.DynamoDBStreamRecord) (Image, error) {
	keys, err := imageOf(change.Keys)
	if err != nil {
		return Image{}, err
	}
	k := keyOf(keys)
	was, err := imageOf(change.OldImage)
	if err != nil {
		return Image{}, err
	}
	is, err := imageOf(change.NewImage)
	if err != nil {
		return Image{}, err
	}
	var out Image
	switch {
	case strings.HasPrefix(k.PK, "CHAIN#") && strings.HasPrefix(k.SK, "PARTNER#"):
		out.Chain = afterFirst(k.PK)
		if out.WasPartner, err = imagedPartner(out.Chain, was); err == nil {
			out.IsPartner, err = imagedPartner(out.Chain, is)
		}
	case strings.HasPrefix(k.PK, "PERSON#") && strings.HasPrefix(k.SK, "CHAIN#"):
		out.Chain = afterFirst(k.SK)
		if out.WasContact, err = imagedContact(was); err == nil {
			out.IsContact, err = imagedContact(is)
		}
	case strings.HasPrefix(k.PK, "CHAIN#") && k == rebuildKey(afterFirst(k.PK)):
		out.Chain, out.Rebuild = afterFirst(k.PK), is != nil
	}
	return out, wrap("read image", err)
}

func imagedPartner(chain string, raw map[string]types.AttributeValue) (*network.Partner, error) {
	var it partnerItem
	if err := attributevalue.UnmarshalMap(raw, &it); err != nil || it.Card.State == "" {
		return nil, err // none, or a signpost
	}
	p := it.partner(chain)
	return &p, nil
}

func imagedContact(raw map[string]types.AttributeValue) (*network.Contact, error) {
	if raw == nil {
		return nil, nil
	}
	var it contactItem
	if err := attributevalue.UnmarshalMap(raw, &it); err != nil {
		return nil, err
	}
	k := it.contact()
	return &k, nil
}

// imageOf is an item as the SDK has it, of one as Lambda shows it; nil for nil.
func imageOf(image map[string]events.DynamoDBAttributeValue) (map[string]types.AttributeValue, error) {
	if image == nil {
		return nil, nil
	}
	item := make(map[string]types.AttributeValue, len(image))
	for name, v := range image {
		a, err := attributeOf(v)
		if err != nil {
			return nil, err
		}
		item[name] = a
	}
	return item, nil
}

func attributeOf(v events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch v.DataType() {
	case events.DataTypeString:
		return str(v.String()), nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}, nil
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeMap:
		m, err := imageOf(v.Map())
		return &types.AttributeValueMemberM{Value: m}, err
	case events.DataTypeList:
		var l []types.AttributeValue
		for _, e := range v.List() {
			a, err := attributeOf(e)
			if err != nil {
				return nil, err
			}
			l = append(l, a)
		}
		return &types.AttributeValueMemberL{Value: l}, nil
	}
	return nil, fmt.Errorf("an attribute of type %d", v.DataType())
}
