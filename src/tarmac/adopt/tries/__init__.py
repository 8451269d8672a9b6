"""What a try of the system teaches: each module corrects what causes of one sort say."""
