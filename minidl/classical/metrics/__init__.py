"""How good is it? Arguments are the true values first, then the predicted ones, as in scikit-learn."""

from .classification import accuracy_score as accuracy_score
from .classification import confusion_matrix as confusion_matrix
from .classification import f1_score as f1_score
from .classification import log_loss as log_loss
from .classification import precision_recall_fscore_support as precision_recall_fscore_support
from .classification import precision_score as precision_score
from .classification import recall_score as recall_score
from .clustering import adjusted_rand_score as adjusted_rand_score
from .clustering import silhouette_samples as silhouette_samples
from .clustering import silhouette_score as silhouette_score
from .regression import mean_squared_error as mean_squared_error
from .regression import r2_score as r2_score
