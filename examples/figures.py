"""What is drawn of these claims: three measures of three recipes against the batch size."""

from square_root import LR_ROOT_BS
from two_layers import TASK
from weight_norm import WEIGHT_NORM

from repro.claims import LAMBDA1, LR, LR_BS, TEST_ACCURACY, Panel, figure

LINES = (LR(), LR_BS(), LR_ROOT_BS())

figure(101, Panel(TASK, LINES, LAMBDA1), title="Curvature by recipe")
figure(102, Panel(TASK, LINES, TEST_ACCURACY), title="Test accuracy by recipe")
figure(103, Panel(TASK, LINES, WEIGHT_NORM), title="Norm of the weights by recipe")
