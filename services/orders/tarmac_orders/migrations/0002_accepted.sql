-- Whether the customer was answered that the order stands (201 or 202). One that was refused at once
-- ends without a letter. Of orders from before this column it is not known: theirs go out as ever.
ALTER TABLE orders ADD COLUMN accepted boolean NOT NULL DEFAULT true;
ALTER TABLE orders ALTER COLUMN accepted SET DEFAULT false;
