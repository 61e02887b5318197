-- The tables for peers that derive a schema from the database: under the names of the operations, nothing precomputed.
CREATE SCHEMA peers;

CREATE VIEW peers.resources AS
SELECT resource_id, name, status, vendor, vendor_region, resource_type, created_at, price AS pricing_total_hourly, currency
FROM public.resources WHERE status <> 'DELETED';

CREATE VIEW peers.linked_resources AS
SELECT l.link_id, l.from_id, l.to_id AS resource_id, r.name, r.status, l.link_type, l.linked_since
FROM public.links l JOIN public.resources r ON r.resource_id = l.to_id WHERE l.linked_until IS NULL;

CREATE VIEW peers.offer_history AS
SELECT provenance_id, resource_id, offer_id, role, created_at FROM public.provenance;

CREATE VIEW peers.offers AS
SELECT offer_id, contract_type, vendor_sku, price_text::float8 AS price_hourly, currency FROM public.offers;

-- Smart tags of PostGraphile, since a view has no keys.
COMMENT ON VIEW peers.resources IS E'@primaryKey resource_id';
COMMENT ON VIEW peers.linked_resources IS
  E'@primaryKey link_id\n@foreignKey (from_id) references peers.resources (resource_id)|@foreignSimpleFieldName linkedResources';
COMMENT ON VIEW peers.offers IS E'@primaryKey offer_id';
COMMENT ON VIEW peers.offer_history IS
  E'@primaryKey provenance_id\n'
  '@foreignKey (resource_id) references peers.resources (resource_id)|@foreignSimpleFieldName offerHistory\n'
  '@foreignKey (offer_id) references peers.offers (offer_id)|@fieldName offer';
COMMENT ON COLUMN peers.resources.resource_id IS E'@notNull';
COMMENT ON COLUMN peers.resources.created_at IS E'@notNull';
